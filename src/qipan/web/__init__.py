"""The web's shell: who acts, the frame's navigation, sign-in, search. Pages are in the rooms."""
