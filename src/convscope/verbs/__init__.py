"""convscope.verbs"""
