"""Translation: English medical samples become Arabic ones, and each is checked before it counts."""
