def reconcile(*a):
    raise NotImplementedError
