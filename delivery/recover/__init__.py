"""`delivery recover`: repair a stack that an interrupted update left stuck."""
