"""The Gradio page: a thin room over ``Assistant``."""
