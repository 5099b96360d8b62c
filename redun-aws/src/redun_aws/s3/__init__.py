"""Files in Amazon S3: `s3://bucket/key`."""
