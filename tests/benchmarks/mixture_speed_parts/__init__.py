"""Parts of the speed benchmark of the mixture: what is counted, what is measured, and how it is shown."""
