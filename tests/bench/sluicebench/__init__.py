"""What scripts/bench is made of: labs, contenders, measures and the report."""
