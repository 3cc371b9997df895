"""What the page of a day shows, gathered from the lake."""
