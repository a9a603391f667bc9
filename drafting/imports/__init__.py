"""What a person brings (a PDF, a DOCX, a text, a LinkedIn export), read into a profile to look over."""
