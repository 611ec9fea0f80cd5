"""What ``records`` consists of; imports events and what is below them."""
