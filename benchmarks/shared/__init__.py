"""What all parts share: throwaway databases, sample events, measured processes, figures."""
