"""convscope.page"""
