"""Score answers that were made elsewhere: every metric under every definition, with n and interval.

python -m bimedix2_core.score pubmedqa --data pubmedqa/ --predictions answers.jsonl --out scores.json
"""
