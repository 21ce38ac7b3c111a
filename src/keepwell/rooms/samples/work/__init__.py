"""What the samples room does with the world: it stores, reads, scrapes and compacts."""
