"""Runs a Python program unchanged, and ends without taking Python down: PyTorch 2.13 with Python 3.11 aborts where one of Gloo's
threads still lets go of its last work then.

    python run_program.py PROGRAM.py ARGUMENTS"""
import os
import runpy
import sys

sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
sys.stdout.flush()
os._exit(0)
