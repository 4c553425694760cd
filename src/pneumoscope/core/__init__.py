"""Decode, judge, preprocess, infer, calibrate and explain one radiograph.

Pure: no Django, no torch, no settings, no environment, no network.
"""
