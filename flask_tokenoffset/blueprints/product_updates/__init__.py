"""Getting no more news about the product, by the link that every such mail carries."""
