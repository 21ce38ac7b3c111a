"""What receivers are told, as text, HTML, blocks and JSON. Labels and annotations are data: escaped in each."""
