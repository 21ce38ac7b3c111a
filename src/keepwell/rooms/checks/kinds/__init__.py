"""One module a kind of check; the module's name is its key in keepwell.yaml. Found by folder scan, imported when configured."""
