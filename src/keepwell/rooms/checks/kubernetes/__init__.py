"""What the Kubernetes API says of workloads, pods, nodes, autoscalers and claims, and the verdicts on it; no I/O."""
