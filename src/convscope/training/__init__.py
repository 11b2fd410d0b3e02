"""convscope.training"""
