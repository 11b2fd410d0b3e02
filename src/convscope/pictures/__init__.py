"""convscope.pictures"""
