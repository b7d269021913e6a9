"""The generated demo world and its tiny detector."""
