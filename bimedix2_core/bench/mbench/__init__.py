"""BiMed-MBench: open questions on figures in two languages, answers compared with a reference by a judge."""
