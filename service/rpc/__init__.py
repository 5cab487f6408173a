"""The gRPC front: servicers over the pipeline and the record store, and the client. Only here is grpc known."""
