	$(CLEVERSYNC) plugins check ./$(NAME).so
