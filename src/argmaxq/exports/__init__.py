"""What is trained, taken elsewhere: as an ONNX model, as NumPy alone, for the Hugging Face Hub; and SB3's taken in."""
