"""Transmission chains: who infected whom, generations, serial intervals, offspring. Pure arrays.

Doors: `statistics.chain_statistics` (frames in, numbers out); below it one algorithm a module.
"""
