"""The HTTP API, the page and MCP in one process; every door calls the facade.

Importing this loads neither FastAPI nor Gradio; the modules in it do.
"""
