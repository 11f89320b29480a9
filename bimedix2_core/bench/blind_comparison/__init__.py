"""Blind comparison: experts choose the best of several models' answers without knowing whose they are.

Gather the answers (`items`), make a form and its key (`form`), write it as a workbook (`sheet`), read what comes back
(`reading`), count the preferences (`shares`) and compare the reviewers (`agreement`). `scripted` stands in for experts
where scores are given.

Source:
    Paper, section A.5.1 (shared/paper/facts.md, section 5). Its form, its number of cases and raters, and its order of
    the answers are not published: what is here is ours.
"""
