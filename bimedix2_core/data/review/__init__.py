"""Expert review: bilingual doctors check what was translated, on a sample whose rates speak for the whole.

Draw (`sample`), hand out (`sheet`), read back (`reading`), compare reviewers (`agreement`), settle conflicts
(`settlement`), count (`outcome`) and apply what was corrected (`corrections`). `scripted` stands in for doctors where
the truth is planted.

Source:
    Paper, section A.4 and Figure 5 (shared/paper/facts.md, section 5); BiMediX's pipeline (facts.md, section 10).
"""
