"""convscope.estimators"""
