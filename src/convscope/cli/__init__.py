"""convscope.cli"""
