"""CelebA: records, packs of aligned crops, the sets that training draws from, and the pairs drawn for it."""
