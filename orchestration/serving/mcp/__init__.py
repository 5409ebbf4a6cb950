"""Questions of assistants: fixed tools by the Model Context Protocol, over stdio and HTTP."""
