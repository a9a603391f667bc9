"""What a person brings (PDF, DOCX, text, a LinkedIn export, a JSON Resume), read into a profile to look over."""
