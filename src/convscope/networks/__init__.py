"""convscope.networks"""
