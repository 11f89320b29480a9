"""What `gpu_training.py` measures with: data, models, correctness, speed and tables."""
