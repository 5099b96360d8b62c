"""What redun uses of AWS: files on S3, secrets, tags and commands, and the clients for them.

`redun_aws.sessions` and `redun_aws.errors` are for other packages that speak to AWS, such as executors.
"""
