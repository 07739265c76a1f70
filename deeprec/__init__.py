"""Reproduction of *Training Deep AutoEncoders for Collaborative Filtering* (Kuchaiev & Ginsburg, 2017)."""
