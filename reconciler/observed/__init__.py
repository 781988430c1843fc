"""What is seen of each kind of resource: from objects of the cluster to a `View`. Pure."""
