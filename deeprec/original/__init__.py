"""The authors' own program, NVIDIA/DeepRecommender, trained on our splits beside ours."""
