pytest_plugins = ["redun.pytest"]
