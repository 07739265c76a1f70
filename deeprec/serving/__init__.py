"""Trained models in use: predictions, recommendations, new users, by the data's own ids."""
