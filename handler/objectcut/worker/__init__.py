"""What a worker process shares and bounds: cores, threads, memory, and who still waits."""
