"""convscope.images"""
