"""The text of rpx.yaml: values, where each stands, and the line that shows a mistake."""
