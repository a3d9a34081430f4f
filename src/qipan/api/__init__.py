"""The API's shell: tokens, errors, assembly of the rooms' routers."""
