"""Mixture of experts: a Mixtral made, adapted, computed and held in few bits; BiMediX is one."""
