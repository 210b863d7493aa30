"""What the model looks at: training and scoring share it."""


def features(flights):
    """`flights`: the table's columns. Dates are MMDDhhmm, read as the integer that this is."""
    return flights[["distance"]].assign(hour=flights["date"] // 100 % 100, month=flights["date"] // 1_000_000)
