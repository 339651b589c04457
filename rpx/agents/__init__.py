"""What a coding agent asks of projects that run: the tools of an MCP server, over stdio.

The server is a process of its own and holds nothing: each call looks for the project anew and asks
its control API, so that the project may end and begin again in between. `mcp_server` alone knows
the SDK (docs/adr/0003-libraries.md); the tools are values in `toolbox`.
"""
