"""Synthesis: conversations and fuller answers made from published samples, each checked before it counts."""
