"""Model versions, their stage, and the bundles behind them."""
