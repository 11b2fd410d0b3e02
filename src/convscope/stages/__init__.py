"""convscope.stages"""
